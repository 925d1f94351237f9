"""Air pressure at sea level, and what its trend says."""


def at_sea_level(pressure, temperature, altitude):
    """Reduce a pressure in hPa at an altitude in m to sea level."""
    drop = 0.0065 * altitude
    return pressure * (1 - drop / (temperature + drop + 273.15)) ** -5.257


def outlook(pressures):
    """Put the change between the oldest and the newest pressure into a word."""
    if len(pressures) < 3:
        return "too early to say"
    change = pressures[-1] - pressures[0]
    if change > 1.6:
        return "fair"
    if change < -1.6:
        return "rain"
    return "steady"
