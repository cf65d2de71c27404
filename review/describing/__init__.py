"""The API said in OpenAPI: made of the tables and types that the handlers themselves go by."""
