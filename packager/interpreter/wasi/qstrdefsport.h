// None but those that the sources name.
