"""What is measured: one module per question, each with a `run(stage)`."""
