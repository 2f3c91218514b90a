"""Templates of HTML in which texts of users stay texts."""

import jinja2


def escaping_environment(package: str) -> jinja2.Environment:
    """Return the templates of a package: all values are escaped, a missing one is an error.

    Args:
        package: Dotted name of the package that has the folder `templates`.
    """
    return jinja2.Environment(
        # Scripts and styles that several of them share.
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(package), jinja2.PackageLoader("clipmill.inspection", "static")]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
