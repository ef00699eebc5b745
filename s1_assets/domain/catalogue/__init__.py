"""The source catalogue: where questions come from, which rows are taken, and how a row becomes a question.

`merge.load_catalogue` makes checked sources from YAML; `questions.questions_of` makes questions from a source's rows.
Not here: reading files, URLs and data sets (`adapters.sources`).
"""
