"""What starts by itself or in one go: jobs, schedules, sensors, and the runs of `s1 run`."""
