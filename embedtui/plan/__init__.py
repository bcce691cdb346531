"""What is to be measured: options, scenarios, sweeps, and the plan that they make."""
