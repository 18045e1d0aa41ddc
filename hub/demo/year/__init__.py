"""A year of the programme, in minutes: the real flow over a store, with a clock that is set from day to day.

The world outside (`adapters/simulators/world`) does what it does; `offices` are those who work with the hub, `proof`
holds what the hub made of it against what truly was. `year` walks through the days.
"""
