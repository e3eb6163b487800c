"""The municipality's page: released figures as a map, a table and a bar. Reads released topics and nothing else."""
