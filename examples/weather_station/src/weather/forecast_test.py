"""Run it on the host: micropython src/weather/forecast_test.py"""

import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from weather import forecast

assert abs(forecast.at_sea_level(977.0, 15.0, 310) - 1013.6) < 0.2
assert forecast.at_sea_level(1000.0, 20.0, 0) == 1000.0
assert forecast.outlook([1000.0]) == "too early to say"
assert forecast.outlook([1000.0, 1001.0, 1002.0]) == "fair"
assert forecast.outlook([1000.0, 999.0, 998.0]) == "rain"
assert forecast.outlook([1000.0, 999.0, 1000.5]) == "steady"
print("forecast: ok")
