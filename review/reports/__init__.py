"""Reports as they are asked for and shown: API, tables, pages, Prometheus. What they say is made in one place,
`alertline/incidents/reporting/`.
"""
