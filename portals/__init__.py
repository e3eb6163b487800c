"""What people look at: pages that read only the topics of their own level."""
