"""What every room needs: errors, paths, addresses, the machine, text made safe to print."""
