"""A node on this computer by minikube: observe, decide by a table, act, prove. Its data outlive it.

`paths`, `wish`, `events`, `reasons`, `seen` and `decide` are pure; `program` is the door to minikube and docker; `observe`,
`act` and `proof` use it.
"""
