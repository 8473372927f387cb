"""The same product as most would write it: FastAPI and SQLModel, after the official full-stack template.

No row-level security, no trash, no change feed, no limits, no metrics: only what a list of todos needs.
"""
