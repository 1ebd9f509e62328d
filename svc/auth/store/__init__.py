"""What auth keeps: one module per kind of row. Statements only; rules live in domain, order of steps in handlers."""
