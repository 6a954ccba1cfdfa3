"""The colours of the four schemes, each named by what it is for."""

from dataclasses import dataclass, replace

from moderator_app.desk.rows import Level


@dataclass(frozen=True, slots=True)
class Hue:
    """One meaning in three strengths: the mark, its soft fill, and text that stands on the fill."""

    mark: str
    soft: str
    text: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """One scheme. Text colours keep 4.5:1 on every ground they are used on, marks keep 3:1."""

    name: str
    dark: bool
    contrast: bool
    text: str
    text2: str
    text3: str
    surface: str  # thread and person
    sunken: str  # message blocks
    canvas: str  # behind the cards of the list
    rail: str  # the darkest paper
    card: str
    hover: str
    hairline: str  # decoration only
    outline: str  # the edge of a control
    scroll: str  # the handle of a scroll bar
    accent: str
    on_accent: str
    accent_soft: str
    accent_text: str  # accent as text on accent_soft
    cue: str
    cue_line: str
    crisis: Hue
    red: Hue
    amber: Hue
    green: Hue
    neutral: Hue
    safe: str  # "encrypted, synced" only
    inverse: str  # the chosen chip
    on_inverse: str
    avatars: tuple[tuple[str, str], ...]

    def level(self, level: Level) -> Hue:
        """The hue of a level."""
        return {
            Level.CRISIS: self.crisis,
            Level.RED: self.red,
            Level.AMBER: self.amber,
            Level.GREEN: self.green,
        }[level]


LIGHT = Tokens(
    name="light",
    dark=False,
    contrast=False,
    text="#1B1E22",
    text2="#4A4F57",
    text3="#5C6169",
    surface="#FFFFFF",
    sunken="#F8F7F3",
    canvas="#F3F1EC",
    rail="#E9E6DF",
    card="#FFFFFF",
    hover="#FBFAF7",
    hairline="#DFDBD2",
    outline="#8A857B",
    scroll="#C9C2B6",
    accent="#0B6660",
    on_accent="#FFFFFF",
    accent_soft="#DDF0EC",
    accent_text="#0A4F4A",
    cue="#FFE9A8",
    cue_line="#A66A00",
    crisis=Hue("#7A1430", "#FBE3E6", "#850D28"),
    red=Hue("#B8371C", "#FDE8DF", "#98290B"),
    amber=Hue("#B57205", "#FBF0D2", "#6E4A00"),
    green=Hue("#38895F", "#E3F1E8", "#215A3A"),
    neutral=Hue("#737982", "#ECEAE5", "#4A4F57"),
    safe="#2C7A4B",
    inverse="#1B1E22",
    on_inverse="#FFFFFF",
    avatars=(
        ("#DDEBF7", "#1F4E79"),
        ("#FBE3EA", "#8A2346"),
        ("#E2F0E4", "#22592F"),
        ("#F3E8D3", "#6B4700"),
        ("#E9E4F5", "#4A3585"),
        ("#DDF0EC", "#0A4F4A"),
    ),
)

DARK = Tokens(
    name="dark",
    dark=True,
    contrast=False,
    text="#ECEFF1",
    text2="#BAC3C8",
    text3="#98A3A9",
    surface="#1A1E21",
    sunken="#15191B",
    canvas="#121517",
    rail="#0D1011",
    card="#1A1E21",
    hover="#20252A",
    hairline="#2C3337",
    outline="#7A868D",
    scroll="#465056",
    accent="#5FCDC1",
    on_accent="#06302C",
    accent_soft="#16332F",
    accent_text="#8FE0D6",
    cue="#4A3A0C",
    cue_line="#E0AE3A",
    crisis=Hue("#FA3A70", "#3F1620", "#FFB3C0"),
    red=Hue("#F08246", "#3D2015", "#FFBFA3"),
    amber=Hue("#FBCD1F", "#382C0C", "#F6D585"),
    green=Hue("#9DD8C2", "#163021", "#A5DDB9"),
    neutral=Hue("#8B969C", "#272D31", "#BAC3C8"),
    safe="#6DBE8C",
    inverse="#ECEFF1",
    on_inverse="#15191B",
    avatars=(
        ("#1F5B8F", "#FFFFFF"),
        ("#8A3550", "#FFFFFF"),
        ("#2F6B3E", "#FFFFFF"),
        ("#7A5514", "#FFFFFF"),
        ("#5A4699", "#FFFFFF"),
        ("#1C6B63", "#FFFFFF"),
    ),
)

CONTRAST_LIGHT = replace(
    LIGHT,
    name="contrast-light",
    contrast=True,
    text="#000000",
    text2="#1C1F23",
    text3="#2B2F35",
    sunken="#FFFFFF",
    canvas="#FFFFFF",
    rail="#FFFFFF",
    hover="#F0F0F0",
    hairline="#3A3E45",
    outline="#1C1F23",
    scroll="#1C1F23",
    accent="#00443F",
    accent_soft="#FFFFFF",
    accent_text="#00332F",
    cue="#FFF3C4",
    cue_line="#6B4300",
    crisis=Hue("#74001C", "#FFFFFF", "#6B001A"),
    red=Hue("#8F2400", "#FFFFFF", "#7A1E00"),
    amber=Hue("#6B4700", "#FFFFFF", "#523600"),
    green=Hue("#1E5A38", "#FFFFFF", "#154228"),
    neutral=Hue("#3A3E45", "#FFFFFF", "#1C1F23"),
    safe="#154228",
    inverse="#000000",
    avatars=(("#FFFFFF", "#000000"),),
)

CONTRAST_DARK = replace(
    DARK,
    name="contrast-dark",
    contrast=True,
    text="#FFFFFF",
    text2="#F0F3F5",
    text3="#DDE3E6",
    surface="#000000",
    sunken="#000000",
    canvas="#000000",
    rail="#000000",
    card="#000000",
    hover="#1C2226",
    hairline="#AAB4B9",
    outline="#E4EAED",
    scroll="#E4EAED",
    accent="#8CF0E5",
    on_accent="#000000",
    accent_soft="#000000",
    accent_text="#B4F7EF",
    cue="#3A2C00",
    cue_line="#FFD066",
    crisis=Hue("#FF9DAF", "#000000", "#FFC2CD"),
    red=Hue("#FFB08C", "#000000", "#FFCDB6"),
    amber=Hue("#FFD563", "#000000", "#FFE39B"),
    green=Hue("#A5E8BE", "#000000", "#C2F2D3"),
    neutral=Hue("#C8D1D6", "#000000", "#F0F3F5"),
    safe="#A5E8BE",
    inverse="#FFFFFF",
    on_inverse="#000000",
    avatars=(("#000000", "#FFFFFF"),),
)

SCHEMES = {tokens.name: tokens for tokens in (LIGHT, DARK, CONTRAST_LIGHT, CONTRAST_DARK)}
