import thermometer

thermometer.run()
