"""NHTSA's vPIC as its documentation describes it: makes of a type of vehicle, models of a make, year and type.

`with Vpic() as catalogue:` listens on a free loopback port. `catalogue.asked` keeps the paths; `catalogue.answers` maps
a path (without the format) to (status, body) that is given instead.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TYPES = {"car": (2, "Passenger Car"), "truck": (3, "Truck"), "mpv": (7, "Multipurpose Passenger Vehicle (MPV)")}
MAKES = {442: "MASERATI", 452: "BMW", 449: "MERCEDES-BENZ", 460: "FORD"}
# (make, type) -> model -> (number, first year, last year)
MODELS: dict[tuple[int, str], dict[str, tuple[int, int, int]]] = {
    (442, "car"): {"GranTurismo": (1, 2008, 2018), "Quattroporte": (2, 2000, 2018)},
    (442, "mpv"): {"Levante": (3, 2017, 2018)},
    (452, "car"): {"328i": (4, 2000, 2016), "M3": (5, 2001, 2018)},
    (449, "car"): {"C-Class": (6, 2000, 2018)},
    (460, "car"): {"Mustang": (7, 2000, 2018)},
    (460, "truck"): {"F-150": (8, 2000, 2018), "F-150/Raptor": (9, 2010, 2010)},
}


class Vpic:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        vpic = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                path = parts.path.removeprefix("/api/vehicles/")
                vpic.asked.append(path)
                given = vpic.answers.get(path)
                wanted = parse_qs(parts.query).get("format") == ["json"]
                status, body = given or ((200, vpic.answer(path)) if wanted else (200, b"<Response/>"))
                self.send_response(status)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.allow = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.allow}/api/vehicles"

    def __enter__(self) -> Vpic:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> bytes:
        match path.split("/"):
            case ["GetMakesForVehicleType", kind]:
                number, name = TYPES[kind]
                found = [
                    {"MakeId": make, "MakeName": MAKES[make], "VehicleTypeId": number, "VehicleTypeName": name}
                    for make, of in MODELS
                    if of == kind
                ]
                return self.body(found, f"Vehicle Type: {kind}", "Response returned successfully")
            case ["GetModelsForMakeIdYear", "makeId", make, "modelyear", year, "vehicletype", kind]:
                number, name = TYPES[kind]
                found = [
                    {"Make_ID": int(make), "Make_Name": MAKES[int(make)], "Model_ID": model, "Model_Name": called,
                     "VehicleTypeId": number, "VehicleTypeName": name}
                    for called, (model, first, last) in MODELS.get((int(make), kind), {}).items()
                    if first <= int(year) <= last
                ]  # fmt: skip
                found += found[:1]  # the real one repeats a model for each of its bodies
                return self.body(found, f"Make ID:{make} | ModelYear:{year} | VehicleType:{kind}")
        return self.body([], None, "No HTTP resource was found.")

    @staticmethod
    def body(results: list[Any], criteria: str | None = None, message: str = "Results returned successfully") -> bytes:
        found = {"Count": len(results), "Message": message, "SearchCriteria": criteria, "Results": results}
        return json.dumps(found).encode()
