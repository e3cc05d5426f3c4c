"""Settings: schema, layers, checks and explanations."""
