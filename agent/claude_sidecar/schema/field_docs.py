"""What stands below a field in the source is its description, read when somebody asks for it.

It needs the `.py` files where it runs, as wheels and the image have them. Where there is compiled code alone,
fields have no descriptions: nothing that a sidecar or the operator does at work asks for one, only documents,
the CRD and the lists of allowed values beside an error, which can do without.
"""

import ast
import inspect
from textwrap import dedent


def field_docs(model: type) -> dict[str, str]:
    """The text below each annotated field of a class, by the field's name.

    pydantic's `use_attribute_docstrings` reads the same from the source at each start, for all classes:
    a tenth of the time until ready, for texts that only documents and the CRD show. Empty where the class has
    no source.
    """
    try:
        source = inspect.getsource(model)
    except OSError:  # what inspect raises for want of the file
        return {}
    (definition,) = ast.parse(dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    docs = {}
    for field, below in zip(definition.body, definition.body[1:], strict=False):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = inspect.cleandoc(text)
    return docs
