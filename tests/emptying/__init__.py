"""An app of the tests only: how the database is emptied after a test that commits."""
