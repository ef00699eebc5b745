"""What is known of models: how they think, how much they write, what they cost, and until when they are served.

`reading.load_model_table` makes the table from YAML, `table.ModelTable` answers questions about a model, and
`roles.role_defaults` says how much is asked of a model in each role.
Not here: reading files, and any vendor's wire (`adapters.llm`).
"""
