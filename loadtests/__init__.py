"""Load and benchmarks: how much the shop carries, and whether what it did under load was right.

`catalogue` lists the suites, `suites` are Locust files, `customers` is what their customers have in common;
`locust_load` plays a suite as the workload of a run. Only `suites` and `customers` import Locust, in a process of their
own.
"""
