"""Set intersection that two owners reveal to each other, and to nobody else."""
