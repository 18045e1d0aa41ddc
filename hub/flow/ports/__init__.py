"""What the journey needs of the outside: a store with transactions, a conveyor, carriers, PDS. `hub.io` provides them.

A module a room: what is kept there, and what may be asked of it. `store` has the transaction over all of them.

Work on the store is a plain function over a `Transaction`. The store may run it again in a fresh transaction (after
another's failure in the same group, or a lost connection), so it must change nothing but the transaction.
"""
