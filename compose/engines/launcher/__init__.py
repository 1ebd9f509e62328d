"""A small Java main that starts one Elasticsearch node; shipped compiled because a plain runtime has no javac."""
