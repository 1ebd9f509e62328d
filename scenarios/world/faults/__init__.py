"""The fault proxies: TCP proxies that can be slow, lossy, cut or down, under the Toxiproxy JSON API.

A `toxiproxy-server` on the PATH is a drop-in: same API, same vocabulary.
"""
