"""TCP proxies that can be slow, narrow, cut or down, one for each link that a fault was asked for."""
