"""A data set, from its archive to the splits that are trained and evaluated on."""
