from rules.tests.python import outer

assert outer.VALUE == 43
