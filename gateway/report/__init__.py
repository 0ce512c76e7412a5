"""What a recording says about an installation, for the technician who judges it.

The only part of the product that knows truth; the tracker never sees it. matplotlib and jinja2
enter here and nowhere else.
"""
