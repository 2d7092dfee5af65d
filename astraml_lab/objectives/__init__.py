"""What a trial runs: a cell, a function."""
