"""What many incidents come to: one pure function behind the API, the command, tables, pages and Prometheus."""
