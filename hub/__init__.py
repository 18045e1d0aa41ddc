"""The cervical screening messaging hub."""

VERSION = "0.1.0"
