"""`python -m alertline`."""

from alertline.cli.main import main

main()
