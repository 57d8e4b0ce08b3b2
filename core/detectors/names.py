"""What a detector can see: the 80 names of COCO, each with other words that people search by."""

from __future__ import annotations

# In COCO's own order. The words beside a name are for the search on the screen, and for `core.detectors.propose`.
NAMES: dict[str, str] = {
    "person": "people, man, woman, child, boy, girl, human, pedestrian, model, player",
    "bicycle": "bike, mountain bike, racing bike, e-bike",
    "car": "automobile, sedan, saloon, coupe, suv, hatchback, convertible, cabriolet, roadster, estate, wagon, "
    "minivan, crossover, limousine, sports car, supercar, compact car, taxi, jeep, vehicle",
    "motorcycle": "motorbike, moped, scooter, vespa, chopper, harley",
    "airplane": "aeroplane, aircraft, plane, jet, airliner, biplane, boeing, airbus, cessna",
    "bus": "coach, minibus, double-decker, school bus",
    "train": "locomotive, railway, tram, subway, railcar",
    "truck": "lorry, pickup, pickup truck, van, camper, tractor unit, fire engine, tow truck, dump truck, vehicle",
    "boat": "ship, yacht, sailboat, canoe, kayak, ferry, vessel, catamaran, motorboat",
    "traffic light": "stoplight, signal",
    "fire hydrant": "hydrant",
    "stop sign": "traffic sign",
    "parking meter": "meter",
    "bench": "park bench",
    "bird": "sparrow, eagle, owl, duck, goose, gull, seagull, parrot, pigeon, crow, raven, finch, robin, hawk, falcon, "
    "heron, swan, penguin, woodpecker, hummingbird, chicken, rooster, turkey",
    "cat": "kitten, siamese, maine coon, persian cat, tabby, bengal cat, ragdoll, sphynx",
    "dog": "puppy, terrier, retriever, poodle, bulldog, beagle, shepherd, spaniel, dachshund, labrador, husky, corgi, "
    "pug, chihuahua, rottweiler, collie, hound, dalmatian",
    "horse": "pony, foal, stallion, mare",
    "sheep": "lamb, ram, ewe",
    "cow": "cattle, bull, calf, ox",
    "elephant": "",
    "bear": "grizzly, polar bear, brown bear, black bear, panda",
    "zebra": "",
    "giraffe": "",
    "backpack": "rucksack, school bag, daypack",
    "umbrella": "parasol",
    "handbag": "purse, clutch, tote, tote bag, shoulder bag, bag",
    "tie": "necktie, bow tie",
    "suitcase": "luggage, trolley, baggage",
    "frisbee": "flying disc",
    "skis": "ski",
    "snowboard": "",
    "sports ball": "football, soccer ball, basketball, volleyball, tennis ball, golf ball, ball",
    "kite": "",
    "baseball bat": "bat",
    "baseball glove": "mitt",
    "skateboard": "longboard",
    "surfboard": "",
    "tennis racket": "racket",
    "bottle": "wine bottle, water bottle, beer bottle, flask",
    "wine glass": "goblet, champagne glass",
    "cup": "mug, teacup, coffee cup",
    "fork": "cutlery",
    "knife": "dagger, cutlery",
    "spoon": "cutlery",
    "bowl": "dish",
    "banana": "",
    "apple": "",
    "sandwich": "burger, hamburger, toast",
    "orange": "mandarin, tangerine",
    "broccoli": "",
    "carrot": "",
    "hot dog": "",
    "pizza": "",
    "donut": "doughnut",
    "cake": "cupcake, birthday cake",
    "chair": "armchair, stool, office chair",
    "couch": "sofa, settee",
    "potted plant": "houseplant, cactus, bonsai, plant",
    "bed": "bunk, cot",
    "dining table": "table, desk",
    "toilet": "wc",
    "tv": "television, monitor, screen",
    "laptop": "notebook computer, macbook",
    "mouse": "computer mouse",
    "remote": "remote control",
    "keyboard": "computer keyboard",
    "cell phone": "phone, smartphone, mobile phone, iphone",
    "microwave": "microwave oven",
    "oven": "stove, cooker",
    "toaster": "",
    "sink": "washbasin",
    "refrigerator": "fridge, freezer",
    "book": "novel, magazine",
    "clock": "wall clock, alarm clock",
    "vase": "",
    "scissors": "",
    "teddy bear": "plush, stuffed animal",
    "hair drier": "hair dryer",
    "toothbrush": "",
}

# Makes of cars, and models that are known without their make: class lists name these, COCO only "car".
MAKES = """
    abarth, acura, alfa romeo, aston martin, audi, bentley, bmw, bugatti, buick, byd, cadillac, chevrolet, chevy,
    chrysler, citroen, cupra, dacia, daewoo, daihatsu, dodge, ferrari, fiat, ford, genesis, gmc, honda, hummer, hyundai,
    infiniti, isuzu, jaguar, kia, koenigsegg, lada, lamborghini, lancia, land rover, lexus, lincoln, lotus, maserati,
    maybach, mazda, mclaren, mercedes, mercedes benz, mini cooper, mitsubishi, nissan, opel, pagani, peugeot, plymouth,
    polestar, pontiac, porsche, range rover, renault, rivian, rolls royce, rover, saab, saturn, scion, seat, skoda,
    ssangyong, subaru, suzuki, tata, tesla, toyota, vauxhall, volkswagen, volvo, vw,
    boxster, cayenne, macan, panamera, taycan, cayman, 911, corvette, camaro, mustang, golf gti, passat, jetta, corolla,
    camry, civic, prius, a4, a6, m3, m5
"""

# Words of classes that COCO has nothing for, so that the reason can say so plainly. A class with such a word is none of
# COCO's, whatever its other words are: an "air jordan low taxi" is a shoe.
UNKNOWN: dict[str, str] = {
    "shoes": "shoe, sneaker, trainer, boot, heel, sandal, loafer, slipper, footwear, air jordan, jordan, nike, adidas, "
    "yeezy, air max, air force, converse",
    "garments": "shirt, tshirt, t-shirt, top, kurta, dress, skirt, jeans, trousers, pants, shorts, jacket, coat, "
    "hoodie, sweater, jumper, blouse, sari, sock, hat, cap, scarf, glove, suit, underwear",
    "accessories": "sunglasses, glasses, watch, bracelet, necklace, ring, earring, belt, wallet, jewellery",
    "buildings and places": "tower, castle, church, cathedral, bridge, temple, mosque, palace, museum, monument, house, "
    "building, stadium, lighthouse, mountain, lake, beach, street, park, landmark, eiffel",
}
