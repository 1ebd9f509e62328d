"""The language in which a report says what it computes and which rows it wants.

Arithmetic, comparisons, `and`, `or`, `not`, `in`, brackets, numbers, texts and the names of a data set's fields;
nothing is called or assigned. An expression is read in one pass, within limits, and becomes SQL only out of constants
of ours and parameters.
"""
