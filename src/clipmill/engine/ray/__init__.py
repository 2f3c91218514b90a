"""Workers on the machines of a Ray cluster.

`engine` runs a stage: `cluster` knows the nodes, `crew` starts an actor for each worker, `dealing`
gives clips to them, `hearing` takes in what they say. An `actor` holds one worker process of its
node, the very one of the local engine, and passes messages on without reading them.
"""
