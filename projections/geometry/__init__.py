"""A municipality's ground: from files of CBS and of a register to areas, clusters, names and shapes. Knows addresses, never persons or care."""
