"""One machine: Kafka and PostgreSQL embedded, certificates, topics and rights, supervision, the command line."""
