"""Many runs: the store of finished ones, the queue, the pool of workers, the plan."""
