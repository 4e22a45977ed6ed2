"""He's ResNet for CIFAR as a user of Keras writes it: with Keras's own layers alone."""

import keras
from keras import ops


def resnet(depth: int, normalized: bool, classes: int = 10) -> keras.Model:
    """Return the network, [B, 32, 32, 3] → [B, classes] (He et al. 2015, section 4.2, option A)."""

    def convolution(inputs, channels, strides=1):
        layer = keras.layers.Conv2D(channels, 3, strides, "same", use_bias=not normalized)
        return keras.layers.BatchNormalization()(layer(inputs)) if normalized else layer(inputs)

    inputs = keras.Input((32, 32, 3))
    hidden = ops.relu(convolution(inputs, 16))
    for channels in (16, 32, 64):
        for _ in range((depth - 2) // 6):
            strides, more = channels // hidden.shape[-1], channels - hidden.shape[-1]
            shortcut = ops.pad(hidden[:, ::strides, ::strides], [[0, 0], [0, 0], [0, 0], [0, more]])
            inside = ops.relu(convolution(hidden, channels, strides))
            hidden = ops.relu(convolution(inside, channels) + shortcut)
    hidden = keras.layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(inputs, keras.layers.Dense(classes)(hidden))
