import json, datetime, decimal, enum, uuid, ipaddress
from typing import Annotated, Literal, Optional, Union, Any
from pydantic import BaseModel, Field, ConfigDict, AnyUrl, HttpUrl, constr, conint, conlist, Json, RootModel, TypeAdapter, SecretStr, Base64Str, StrictInt
out={}
class Color(str, enum.Enum): red='red'; green='green'
class Cat(BaseModel): kind: Literal['cat']; lives: int = Field(9, ge=0, le=9)
class Dog(BaseModel): kind: Literal['dog','wolf']; name: Optional[str]=None
class Zoo(BaseModel): pet: Annotated[Union[Cat,Dog], Field(discriminator='kind')]; pets: list[Annotated[Union[Cat,Dog], Field(discriminator='kind')]] = []
class Tree(BaseModel): value: int; left: Optional['Tree']=None; right: Optional['Tree']=None
class Formats(BaseModel):
    at: datetime.datetime; day: datetime.date; t: datetime.time; d: datetime.timedelta; u: uuid.UUID; ip: ipaddress.IPv4Address; price: decimal.Decimal; url: AnyUrl; h: HttpUrl; b: bytes; s: SecretStr; c: Color
class Bounds(BaseModel):
    model_config = ConfigDict(extra='forbid')
    a: Annotated[str, Field(min_length=1, max_length=10, pattern=r'^[a-z]+$')]; b: conint(gt=0, multiple_of=5); c: conlist(int, min_length=1, max_length=3); d: set[str]; e: tuple[int,str]; f: tuple[int,...]; g: dict[str,float]; h: dict[Color,int]; i: Any; j: frozenset[int]
class Extra(BaseModel):
    model_config = ConfigDict(extra='allow'); a: int
class One(BaseModel): color: Color = Field(Color.red, description='d'); cat: Cat = Field(description='a cat')
class Unions(BaseModel): a: Union[int,str,None]; b: int|float; c: Literal[1,'x',None,True]; d: Optional[list[Color]]=None
class Rec(RootModel[dict[str, 'Union[Rec, int]']]): pass
for m in (Zoo,Tree,Formats,Bounds,Extra,One,Unions): out['pydantic: '+m.__name__]=m.model_json_schema()
out['pydantic: serialization']=Formats.model_json_schema(mode='serialization')
print(json.dumps(out))
