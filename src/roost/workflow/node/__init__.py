"""Programs that run beside a job, on an execution point: standard library only."""
