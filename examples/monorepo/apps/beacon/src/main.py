import beacon

beacon.run()
