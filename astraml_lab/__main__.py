"""`python -m astraml_lab` is `astraml`, where that is not on the path."""

from astraml_lab.cli import main

if __name__ == "__main__":
    main()
