"""Is a model one that the engine trains, and trains exactly? Each module refuses a kind of mistake, in a sentence."""
