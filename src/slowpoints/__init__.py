"""Memory in recurrent networks, reproduced: cells, stacked training, slow points, capacity."""
