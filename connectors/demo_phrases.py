"""The everyday words of the demo community: what members and we say when no story was written.

One line is one thing somebody could say; `{…}` is filled from `SLOTS`. Levels as in the stories.
"""


def _lines(written: str) -> tuple[str, ...]:
    return tuple(row for row in written.strip().split("\n") if row)


def _each(written: str) -> list[str]:
    return written.split()


SLOTS = {
    "day": _each("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "when": _lines("""
since the summer
since the move
for three weeks
since my shift changed
since we got back
for most of this month
since the funeral
since the clocks changed
since the new term began
for longer than I like to admit
"""),
    "who": _lines("""
my sister
my flatmate
my brother
my manager
my mum
my ex
my neighbour
my best friend
my dad
the other parents
my study group
my landlord
my wife
my husband
"""),
    "thing": _lines("""
the breathing exercise
the walking group
the cold water on the hands
the list of small wins
the ten-minute rule
the phone in another room
the sleep diary
the letter I never send
the two songs before getting up
the colouring pages
"""),
    "dish": _lines("""
lentil soup
burnt toast
my aunt's dal
pancakes
a very sad salad
noodles at midnight
plum cake
beans from the tin
the good porridge
rice with everything
"""),
    "animal": _lines("""
the cat
our old dog
a very round pigeon
the neighbour's rabbit
the hedgehog
my fish
the crow on the balcony
somebody else's puppy
"""),
    "event": _lines("""
the listening circle
the voice evening
the craft hour
the grief cafe
the newcomers' call
the quiet reading hour
the carers' breakfast
the walk by the canal
"""),
    "topic": _lines("""
panic at work
sleep
grief
waiting lists
coming off nights
new parenthood
exam stress
drinking less
talking to a doctor
living alone
money worries
being the strong one
"""),
    "place": _lines("""
the canal
the library
the allotment
the night bus
the launderette
the hospital garden
the corner shop
the sports hall
the back pew
the kitchen floor
"""),
    "n": _each("three four five six seven eight nine eleven twelve fourteen"),
    "time": _lines("""
at two in the morning
around four
before sunrise
right after lunch
every evening at nine
on the way home
when the house goes quiet
"""),
    "handle": ["@someone_here"],  # replaced by a member of the thread
}

RED = _lines("""
I keep having thoughts of not being here any more. I am not going to do anything, they just \
come {time}.
The urge to hurt myself is back {when}. I am holding on, but only just.
Honestly, I would not mind if I fell asleep and did not wake up.
My partner locks me in when he goes to work. I do not know who to tell.
I hurt myself {time} for the first time in a year. I am okay, I only hate it.
Everyone would be better off without me, and I say that quite calmly, which scares me.
I have been thinking about dying {when}, more every week.
It happened again with my uncle at the family dinner. Nobody ever believes me.
I can hear them talking about me through the wall. They know where I live now.
I do not want to be alive like this. I do not want to die either. I am stuck in between.
My mother hits my little brother and I cannot be home to stop it.
I wish I had never been born, and today I said it aloud to {who}.
I stopped seeing any future {when}. There is simply nothing when I look ahead.
Some days the only plan I have is to disappear so that no one has to deal with me.
I am so scared of my own head tonight. It keeps telling me to hurt myself.
My boyfriend threatened to hurt me if I leave. I am writing this from {place}.
What is the point of staying, seriously. I ask myself that every single day {when}.
I have been cutting people off so that it hurts them less when I am gone one day.
A cousin touched me when I was small and he will be at the wedding. I cannot breathe when I \
think of it.
I have not eaten properly for {n} days because I feel I do not deserve to.
I caught myself thinking that the world goes on fine without me, and I felt relief. That is new.
They follow me, I am sure of it, two cars {time}. Please do not say that I imagine it.
After what he did to me I cannot bear anyone near me. I have told no one but you.
Life feels like something that I am only waiting to be over.
I am safe today, but the wish not to exist has not gone away {when}.
{Who} says I exaggerate. I think about ending my life most nights. Is that exaggerating?
""")

AMBER = _lines("""
I have not slept more than four hours {when} and I start to forget words.
Had another fight with {who}. I am always the one who apologises.
I feel worse each week and I have stopped telling people, because what would they say.
Everything is grey {when}. Not terrible, only grey, and it does not lift.
I called in sick again. That makes {n} days this month. I am so ashamed.
I cannot stop crying {time} and I do not even know about what.
Nothing I try works. Not {thing}, not the pills, not the talking.
I am exhausted from looking after {who}. Nobody asks who looks after me.
Panic attack on the bus again, everyone looking. I got off and walked {n} stops.
It is getting worse, not better, whatever the app says with its smiling sun.
I lost the job. I have not told {who} yet, I still leave the house every morning.
I feel so alone in a room full of people. {Event} was like that for me.
The doctor had six minutes. I had prepared for {n} weeks.
I do not see how this is ever going to change, to be honest.
I snapped at the children again and then sat on {place} and hated myself.
Rent is due on {day} and I do not have it. My chest has been tight for days.
My meds were changed {when} and I feel like a stranger in my own coat.
I miss him so much that I set the table for two again.
I drink more than I say. There, now I have said it.
Nobody answered me last time, so I do not expect much now.
I used to love {place}. Now I cannot even get there without shaking.
{Who} found out about my diagnosis and has not written since.
It is {n} months since the miscarriage and everybody has moved on except for me.
I feel like I am disappearing behind my job title.
I avoid the phone, the post, the door. It piles up and I watch it.
Am I the only one for whom Sundays are unbearable?
My head is so loud {time}. I would give a lot for one quiet hour.
I failed the exam a second time and my parents talk of nothing else.
Some of you were quite harsh with me on {day}. I have thought of leaving the group.
I try to be grateful and feel nothing at all. That frightens me a bit.
The anniversary is on {day}. I already feel it in my stomach.
I have started checking the door {n} times again.
I am burnt out, I think. I stare at the screen and then it is dark outside.
{Who} drinks again, and I count bottles instead of sleeping.
I feel like a burden whenever I ask for anything, so I do not ask.
It came back. I thought I was through with {topic}, and it came back on {day}.
I am so tired of being brave about {topic}.
I binge and then I starve, {when}, and I smile at work.
They moved my appointment again. {n} weeks. I just laughed, it was not a good laugh.
I am angry all the time, at {who}, at strangers, at the kettle.
""")

GREEN = _lines("""
Does anybody have a good book about {topic}? Nothing with a sunrise on the cover, please.
Small win: I cooked {dish} and ate it at the table like a person.
Good morning from {place}. I saw {animal} and it improved everything.
Question: does {event} have captions? A friend of mine is deaf.
Thank you for {event} on {day}. I did not say anything and it still helped.
Could we have {event} a bit later? I never get there from work.
Is there a worksheet about {topic} that I can print?
I tried {thing} as you suggested, {handle}, and it is silly and it works.
What time is {event} in summer time, and do I need to sign up?
Today: {dish}, a long bath and no news. Recommended.
Where can I find the list of resources about {topic}? The old link is broken.
I would love a channel only for {topic}. Would others use it?
Does anyone else talk to {animal} more than to people?
Proud of myself: {n} days of {thing}.
The new colours on the site are hard for me to read, the grey on grey.
Just saying hello. First week here, reading along from {place}.
Thanks to whoever wrote the guide about {topic}. I sent it to {who}.
I have {n} minutes until my shift. Tell me something nice.
My therapist liked the idea of {thing} so much that she wrote it down.
The sound at {event} was bad this time, I only got half of it.
Can I bring {who} to {event} or is it for members only?
We had {dish} and talked about {topic} until late, and it was good.
How do you explain {topic} to a seven-year-old?
An idea: a short summary after {event} for those who cannot come.
The appointment went well! I was nervous for nothing, well, for something, but it went well.
Somebody left flowers on our steps today. I do not know why I tell you, it was just nice.
I started to go to {place} on {day} mornings. Nobody is there but {animal}.
Is it all right to post poems here?
Could a moderator move my post to the right channel? I put it in the wrong place.
I voted for {day} in the poll, but any day is fine with me.
My notifications come twice. Is it only me?
Please, how can I change my name here?
I learned to say no to {who} this week. Twice!
Is {event} on this {day} too? The calendar says nothing.
Rain all day, {dish} on the stove, and I am at peace with both.
""")

SUPPORT = _lines("""
I am sorry it is like that at the moment. I read you.
Same here, {when}. You are not strange.
What helped me was {thing}. It may be nothing for you, and that is fine too.
You wrote that so clearly. I hope somebody makes you tea tonight.
That sounds really hard. Do you have somebody near you on {day}?
I do not have advice, I only did not want to leave this without an answer.
Sending you {animal}, in spirit.
Come to {event} if you can. One can just sit there.
You said {topic}. That was me last winter. It did get lighter, slowly.
Thank you for trusting us with that.
Be gentle with yourself. One thing, then the next.
I was thinking of you when I passed {place} this morning.
Have you told your doctor exactly that? I needed {n} attempts to say it aloud.
No need to answer. I am here {time}, if you want company.
I am glad you wrote it here and did not keep it to yourself.
Oh {handle}, I know that feeling so well.
""")

SMALL_TALK = _lines("""
Ha, that made me laugh out loud on the bus.
We had {dish} too! Are you in my kitchen?
I would join on {day}.
Yes please, count me in.
It was {n} degrees here and people wore scarves indoors.
Photo of {animal} or it did not happen.
I had the same question, thank you for asking it.
That book about {topic} is in the library, I have just returned it.
Congratulations! That is not small at all.
I think it starts an hour later now. Someone please correct me.
Good night from {place}, all.
Try it with cinnamon. Everything is better with cinnamon.
Agreed with {handle}.
Lovely idea. I could help with it, I have time on {day}.
Not for me, but I am happy for you.
The link worked for me after I signed in again.
""")

FOLLOW = _lines("""
Thank you, that helps more than you know.
Thanks, all. I will try {thing} tonight and tell you.
I slept a little. Thank you for asking.
I read your answers three times.
Okay. I will go to {event}. I will sit near the door.
You are kind. I had expected nothing.
I told {who}. It went better than I thought.
""")

CONFLICT = _lines("""
With respect, {handle}, that is terrible advice and you give it in every thread.
Can you stop making every post about yourself, {handle}?
Why does {handle} get to swear here and I get a warning? The rules seem to depend on who you know.
You have no idea what you are talking about. Some of us really live with {topic}.
I am done with this group. Same {n} people pat each other's backs and the rest is ignored.
That was a cheap shot, {handle}, and you know it.
""")

INSULT = _lines("""
{handle} you are pathetic, nobody here likes you, take the hint
what a bunch of crybabies, get a job
shut up {handle}, you attention seeking idiot
imagine being this weak. embarrassing. all of you
{handle} go back to where you came from, nobody wants your kind in here
lol {handle} is lying for sympathy again, worthless liar
stupid fat cow, no wonder he left you {handle}
I know which school your kids go to, {handle}. Keep talking.
""")

SPAM = _lines("""
Earn 900 a week from home!!! I was sceptic too but {who} showed me, message me for the link
DEPRESSION CURED in {n} days with this root, doctors hate it, only today half price, link in my \
profile
Hello dear, I am a financial mentor and I helped {n} people here, write me privately for your \
free plan
Follow @calm_crypto_daily for signals, they turned my life around!!
Cheap essays written by experts, 24/7, students of this group get {n} percent off
I was lonely too until I met this wonderful spell caster who brought back {who}. Contact him today
Best supplements for {topic} at my shop, code HARBOUR, worldwide delivery
""")

REASONS = {
    "abuse": _lines("""
This is not the first time with this person.
Please do something, she has left the channel because of it.
He writes this under every post of mine.

I do not feel safe here when this stays up.
"""),
    "spam": _lines("""
Spam, again.
Same text in {n} threads today.
I got this in private as well.
"""),
    "self_harm": _lines("""
I am worried about this person, can somebody look, please?
I do not want to get them into trouble. I am only afraid for them.
This does not sound like them at all.
"""),
    "privacy": _lines("""
They posted somebody's real name there.
That is my street in the picture. Please take it down.
"""),
    "other": _lines("""
Wrong channel, I think.
I disagree with this and think it should go.
Not sure if this is allowed here.
"""),
}

OUR_POSTS = _lines("""
Sunday check-in|How are you arriving at the end of this week? One word is enough.
Tiny victories|What went a little better than expected? Nothing is too small for this thread.
{Event}|We meet on {day} for {event}. Cameras may stay off. Questions go below.
How was it?|{event} is over. What was good, what should change? We read every line.
New guide: {topic}|Our new guide about {topic} is up. What is missing in it?
Before the weekend|Is there something that helps you through the weekend? Others may need it.
You asked about {topic}|Many of you wrote to us about {topic}. Here is what members found useful.
Summer or winter plans|What are you looking forward to, however small?
About our rules|We changed the wording of two rules. Tell us where it is still unclear.
Ask us anything|Volunteers answer here today, {time} as well. No question is silly.
""")

OURS = _lines("""
Good question, {handle}! It is open to everyone, and captions are on.
Thanks for pointing it out, {handle}, we will have it mended by {day}.
That is worth celebrating, {handle}. Thank you for sharing it.
Lovely idea, {handle}, we will take it to the volunteers' meeting on {day}.
Thank you all for being so kind to each other in here. See you at {event}.
We have sent you the worksheet about {topic} by private message, {handle}.
Noted, {handle}, and sorry about that. {Event} will start later next time.
Thank you, {handle}. Reading this on {day} was a good way to begin a shift.
You are welcome here, {handle}, and so is whoever you bring.
We read every answer in this thread. The summary comes on {day}.
All times are in the calendar now, {event} as well. Thank you, {handle}.
This made {n} volunteers smile, {handle}.
""")

OURS_AMBER = _lines("""
Thank you for telling us, {handle}. That sounds heavy, and it makes sense that you are worn out.
We are glad you wrote, {handle}. Would it help to talk it over at {event}?
We hear you, {handle}. Is there one person near you who knows how it is at the moment?
You do not have to carry that alone, {handle}. A few places to talk are in the pinned post.
{handle}, that is a lot for one person. What would make {day} a little lighter?
Thank you for not keeping it to yourself, {handle}. We will look in again on {day}.
It is not a failing to be tired of {topic}, {handle}. How are the nights?
We are sorry it is so hard at present, {handle}. A volunteer is here {time} if you want to talk.
So many here know {topic}, {handle}. We are glad that others answered you as well.
{handle}, would you tell your doctor in the words you used here? They say it very well.
""")

OURS_RED = _lines("""
Thank you for saying it so plainly, {handle}. Are you safe at this moment, and is somebody near \
you?
We are really glad you told us, {handle}. May we ask directly: are you thinking of ending your \
life?
{handle}, whatever happened, you deserve to be safe. Is it safe for us to write to you privately?
That sounds frightening, {handle}. Please do not be alone with it: call your local crisis line, \
or us.
Thank you for trusting us, {handle}. Please tell a doctor this week; we can help you find the \
words.
You matter here, {handle}. Who could sit with you tonight? We will write again on {day}.
{handle}, we take this seriously. If it gets stronger, the emergency number is the right one to \
call.
""")

OURS_STERN = _lines("""
We have removed a comment here. Disagree as much as you like, but no insults, please.
Please let us cool this down. We wrote to both of you privately.
Reminder: no selling in our channels. Thank you for reporting it.
""")

CHANNELS = (
    "#evening-lounge",
    "#night-shift",
    "#newcomers",
    "#students",
    "#carers",
    "#parents",
    "#recovery",
    "#creative-corner",
    "#work-and-money",
    "#music",
)

ENDINGS = _lines("""
Anyway.
Just wanted to say it.
Does that make sense?
Thank you for reading.
That is all.
How is everyone else?
Hugs to all of you.
Greetings from a rainy town.
No answer needed.
Writing this on my phone, forgive the typing.
""")

EDITS = _lines("""
(Edited for typing.)
Edit: thank you for the answers!
Edit: found the link.
(Took out a line.)
(Changed a name.)
""")

# For each language: what we say, then what members say by level.
LANGUAGES = {
    "es": {
        "us": (
            "Gracias por escribirnos. Nos alegra que estés aquí.",
            "Te leemos. ¿Hay alguien cerca con quien puedas hablar hoy?",
        ),
        "G": _lines("""
¿Alguien sabe a qué hora empieza el encuentro del {es_day}?
Hoy salí a caminar {es_n} minutos y vi el mar. Gracias por el ánimo.
Muchas gracias por la guía, se la mandé a mi hermana.
¿Tienen materiales en español sobre la ansiedad?
Pequeña victoria: llamé al médico el {es_day}.
Sería bonito tener un canal en español. Somos por lo menos {es_n}.
Buenos días a todos desde la cocina, con café y {es_n} galletas.
"""),
        "A": _lines("""
Estoy agotada, llevo {es_n} noches sin dormir bien.
Discutí otra vez con mi madre el {es_day} y me siento fatal.
Cada semana estoy peor y ya no sé a quién contárselo.
Me siento muy solo desde que me mudé hace {es_n} meses.
"""),
        "R": _lines("""
Pienso mucho en no estar. No voy a hacer nada, pero me asusta.
Volví a hacerme daño el {es_day} y me da vergüenza.
"""),
    },
    "de": {
        "us": (
            "Danke, dass du schreibst. Schön, dass du da bist.",
            "Wir lesen dich. Gibt es jemanden in deiner Nähe, der davon weiß?",
        ),
        "G": _lines("""
Gibt es die Anleitung auch auf Deutsch? Ich würde beim Übersetzen helfen.
Kleiner Erfolg: {de_n} Tage hintereinander gefrühstückt.
Danke für den Abend am {de_day}, das hat gutgetan.
Wann ist das nächste Treffen? Am {de_day} kann ich leider nie.
Kann ich meine Schwester mitbringen? Sie liest hier seit {de_n} Wochen still mit.
Vorschlag: nach dem Treffen eine kurze Zusammenfassung für alle, die arbeiten müssen.
"""),
        "A": _lines("""
Ich bin nur noch müde und schaffe seit {de_n} Wochen nichts mehr.
Wieder Streit mit meinem Vater am {de_day}. Ich fühle mich so klein danach.
Es wird schlimmer statt besser, und ich mag es keinem mehr erzählen.
Die Warteliste ist {de_n} Monate lang. Ich weiß nicht, wie ich das schaffen soll.
"""),
        "R": _lines("""
Ich denke oft daran, nicht mehr da zu sein. Heute ist es wieder stark.
Ich habe mich am {de_day} wieder verletzt und schäme mich.
"""),
    },
    "fr": {
        "us": (
            "Merci de nous avoir écrit. Vous n'êtes pas seul ici.",
            "Nous vous lisons. Y a-t-il quelqu'un près de vous à qui en parler ?",
        ),
        "G": _lines("""
Est-ce que la rencontre de {fr_day} est ouverte à tous ?
Petite victoire : j'ai marché {fr_n} minutes sans regarder mon téléphone.
Merci pour le guide, il est très clair.
Avez-vous des ressources en français sur le deuil ?
Bonsoir à tous, je lis sans écrire depuis {fr_n} semaines.
"""),
        "A": _lines("""
Je suis épuisée, je dors {fr_n} heures par nuit.
Encore une dispute {fr_day}, et je n'ai plus envie de voir personne.
Rien ne change depuis {fr_n} mois, je perds espoir.
"""),
        "R": _lines("""
Je pense souvent à ne plus être là. Ça me fait peur.
Mon mari me menace quand il boit. Je ne sais pas à qui parler.
"""),
    },
    "pt": {
        "us": (
            "Obrigado por escrever. Que bom que você está aqui.",
            "Estamos lendo você. Tem alguém por perto com quem conversar hoje?",
        ),
        "G": _lines("""
Alguém sabe se o encontro de {pt_day} vai ser gravado?
Hoje consegui sair de casa, {pt_n} minutos já valem.
Obrigada pelo guia, ajudou muito a minha irmã.
Tem algum grupo em português? Já somos {pt_n} aqui.
"""),
        "A": _lines("""
Estou exausto, faz {pt_n} noites que não durmo direito.
Briguei de novo com meu pai na {pt_day} e só choro.
Sinto que está piorando e não quero incomodar ninguém.
"""),
        "R": _lines("""
Tenho pensado em sumir e não voltar mais. Não contei a ninguém.
Me machuquei de novo e estou com muita vergonha.
"""),
    },
    "hi-Latn": {
        "us": (
            "Likhne ke liye shukriya. Aap akele nahi hain.",
            "Hum sun rahe hain. Kya aaj koi aapke paas hai jisse baat ho sake?",
        ),
        "G": _lines("""
Kal ka session kitne baje hai? Mujhe {hi_n} baje ke baad time milta hai.
Chhoti si jeet: aaj {hi_n} minute walk ki.
Guide bahut accha hai, maine apni behen ko bheja.
Koi Hindi group hai kya yahan?
"""),
        "A": _lines("""
Bahut thak gaya hoon yaar, {hi_n} din se neend nahi aayi.
Ghar pe phir jhagda hua, kisi se baat karne ka mann nahi.
Exam mein phir fail ho gayi, papa {hi_n} din se baat nahi kar rahe.
"""),
        "R": _lines("""
Kabhi kabhi lagta hai ki main na rahun toh sab ke liye accha hoga.
Phir se khud ko chot pahunchayi. Kisi ko bataya nahi.
"""),
    },
    "pl": {
        "us": ("Dziękujemy, że piszesz. Dobrze, że jesteś.",),
        "G": _lines("""
Dzień dobry, czy spotkanie w środę jest też po polsku?
Dziękuję za poradnik, bardzo mi pomógł.
Dziś pierwszy raz od dawna ugotowałam obiad.
"""),
        "A": _lines("""
Jestem tak zmęczona, że nie mam siły odebrać telefonu.
Znowu pokłóciłem się z bratem i nie mogę spać.
"""),
        "R": ("Coraz częściej myślę, że lepiej by było, gdyby mnie nie było.",),
    },
    "ar": {
        "us": ("شكرا لأنك كتبت لنا. لست وحدك.",),
        "G": _lines("""
شكرا لكم على هذا الدليل، كان مفيدا جدا.
هل اللقاء القادم مفتوح للجميع؟
اليوم خرجت للمشي وشعرت بتحسن.
"""),
        "A": _lines("""
أنا متعب جدا ولم أنم جيدا منذ أسابيع.
أشعر بالوحدة منذ انتقلت إلى هذه المدينة.
"""),
        "R": ("أفكر كثيرا أنني لا أريد أن أكون موجودا.",),
    },
    "ja": {
        "us": ("書いてくださってありがとうございます。一人ではありませんよ。",),
        "G": _lines("""
ガイドをありがとうございます。とても読みやすかったです。
次の集まりは何時からですか?
今日は久しぶりに散歩に行けました。
"""),
        "A": _lines("""
毎日とても疲れていて、仕事に行くのがつらいです。
眠れない夜が続いています。
"""),
        "R": ("消えてしまいたいと思うことが増えました。",),
    },
}

SLOTS |= {
    "es_day": _each("lunes martes miércoles jueves viernes sábado domingo"),
    "es_n": _each("tres cuatro cinco seis siete ocho nueve diez"),
    "de_day": _each("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
    "de_n": _each("drei vier fünf sechs sieben acht neun zehn"),
    "fr_day": _each("lundi mardi mercredi jeudi vendredi samedi dimanche"),
    "fr_n": _each("trois quatre cinq six sept huit neuf dix"),
    "pt_day": _each("segunda terça quarta quinta sexta"),
    "pt_n": _each("três quatro cinco seis sete oito nove dez"),
    "hi_n": _each("teen chaar paanch chhe saat aath nau das"),
}

FIRST_NAMES = _each(
    "Mira Jonas Aisha Tomek Lucía Dara Noor Emeka Yuki Priya Anselm Beatriz Cato Devi Elif Farid "
    "Greta Hamza Ines Joaquim Kofi Leila Marek Nadia Oskar Paloma Quentin Ravi Sunniva Tariq Uma "
    "Viktor Wanjiru Xenia Yusuf Zora Amara Bastian Chiara Dmitri Esme Fatou Gwen Hiro Isla Jamal "
    "Katya Lorenzo Maeve Nikhil"
)
LAST_INITIALS = _each("A B C D E F G H K L M N O P R S T V W Z")
HANDLE_TAILS = _each(
    "reads walks by_the_sea at_night and_cat paints again outside in_wool on_toast slowly hums "
    "knits north south of_course plants runs_late maybe quietly"
)
