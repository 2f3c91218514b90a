"""Templates of HTML in which texts of users stay texts."""

import jinja2


def escaping_environment(package: str) -> jinja2.Environment:
    """Return the templates of a package: all values are escaped, a missing one is an error.

    Args:
        package: Dotted name of the package that has the folder `templates`.
    """
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
