"""The story that `make demo` tells: a cohort, three laboratories, every case a laboratory can make, and its end."""
