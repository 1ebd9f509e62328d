"""The figures of the product, each measured by a module that runs alone and prints a table and JSON."""
