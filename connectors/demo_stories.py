"""Conversations of the demo community that were written by hand, each once, from start to end.

A story begins with `#! channel | title | age of its last message (or: past)`. A line is
`who LEVEL language: words`; `us` is our account, other names are parts given to members. Levels:
C crisis, R red, A amber, G green, S spam, X abuse. No line says how anybody could come to \
harm, and none ever should.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    who: str
    level: str
    lang: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """One conversation; `age` is how long before now it ends, empty for some day in the past."""

    channel: str
    title: str
    age: str
    lines: tuple[Line, ...]

    @property
    def direct(self) -> bool:
        return self.channel == "dm"


def read(written: str) -> tuple[Story, ...]:
    return tuple(_story(block) for block in written.strip().split("\n\n"))


def _story(block: str) -> Story:
    head, *rest = block.strip().split("\n")
    channel, title, age = (part.strip() for part in head.removeprefix("#!").split("|"))
    return Story(channel, title, "" if age == "past" else age, tuple(_line(row) for row in rest))


def _line(row: str) -> Line:
    head, text = row.split(": ", 1)
    who, *marks = head.split(" ")
    lang = next((mark for mark in marks if mark.islower()), "en")
    level = next((mark for mark in marks if mark.isupper()), "G")
    return Line(who, level, lang, text)


STORIES = read("""
#! dm | Direct message | 9m
a G: Hi, I read here a lot and never write. You all seem kind.
us: Hello, and welcome. We are glad you wrote. How has today been?
a R: Long. I have not really been here for weeks, only walking around looking like me.
a C: I have written the letters now. I wanted somebody to know that it was nobody's fault. \
Goodbye.

#! #evening-lounge | anyone still awake? | 25m
a A: Anyone still awake? The flat is so quiet since she moved out that I can hear the fridge.
b G: I am up. Tea and a very old film. Come and sit with me.
a R: I keep thinking everyone would breathe easier if I was not around any more.
b G: I would not. I look for your name every evening, you know that?
a C: Thank you for that. I mean it. But I don't think I will get through tonight.
b A: Please stay and talk to me. @harbourlights can someone come in here please, I am scared \
for him.

#! Post: How to be there for a friend | How to be there for a friend | 1h
us: This week we talk about standing beside somebody who is struggling. What has helped you?
a G: When my friend just sat on the stairs with me and said nothing clever at all.
b C: My flatmate has locked her door and texted me that she is sorry for everything and that it \
ends \
today. I am outside her room. What do I do, please
c A: Is she answering you? Keep talking through the door, and call the emergency number now.
b C: She has stopped answering me. I am shaking.

#! dm | Direct message | 2h
a C: im 13 and my stepdad comes into my room at night and he said if i tell he will hurt my \
mum. he \
is home now

#! dm | Direct message | 3h
a R es: Hola. No sé si esto lo lee una persona. Llevo días sin querer despertarme.
a C es: Ya lo tengo decidido, es esta noche. Solo quería despedirme de alguien.

#! #night-shift | four in the morning again | 14h
a R: Four in the morning again. Last night I tried to end it, and I woke up, and nobody here \
knows.
a C: I am alone now and I am frightened that I will try again before it gets light.
us: I am so glad that you are here and that you told us. You should not be alone with this now. \
Please \
call your local emergency number, or wake somebody who can sit with you. Is there anybody in \
the house?
a A: My sister is downstairs. I have not told her.
us: Would you wake her? You only need to say: I am not safe alone tonight. We stay here with you.
a G: She is sitting on my bed now. We are calling together. Thank you.

#! Post: Sunday check-in | Sunday check-in | 40m
us: How are you arriving at the end of this week? One word is enough.
a G: Tired but fed. I call it a win.
b A: Heavy. I cancelled on everyone again.
c G: Hopeful, oddly. First week at the new job is over.
d R: Invisible. I could stop existing and the only one to notice would be the cat.
e G: I would notice, and so would half this thread. What is the cat called?

#! #evening-lounge | Therapy waiting list | 5h
a A: Eleven months on the list and today they told me it is another eight. I cried in the bus.
b G: I am so sorry. Mine was long as well. The group on Thursdays carried me over, it is free.
a A: I do not know if I have eight more months of waiting in me.
c A: Same here, number 212. We could at least wait together.

#! dm | Direct message | 7h
a R: I hurt myself again yesterday after forty days without. I feel so ashamed that I cannot \
look at \
anyone. I am safe now, I only needed to tell somebody.

#! dm | Direct message | 19h
a R: He took my phone and my bank card and he reads everything I write, so I may have to delete \
this. \
He pushed me against the wall again on Friday. Is there a place that takes women with a small \
child?

#! #parents | Is this normal for a teenager? | 11h
a A: My daughter sleeps all day, stopped drawing, stopped eating with us. Is this normal at \
fifteen?
b G: Mine was like that for a while. What helped was a school counsellor who really listened.
a R: I found a note in her school bag saying that she does not want to be here any more. I do \
not know \
how to speak to her about it.
b A: Oh no. Please ask her straight out, tonight, and do not be afraid of the word. And hold her.

#! dm | Direct message | 30h
a R: The voices talk all night again. They say that the neighbours \
know everything about me. I have pushed the wardrobe in front of the door.

#! dm | Direct message | past
a C: An hour ago I tried to end my life, and now I do not want to die after all. I am at home \
by myself.
us: Please call your local emergency number right now, or go to a neighbour and ask them to. \
Tell them \
what you told us. You did right to say it. Can you do that while I stay here?
a A: Calling. The woman says they are on their way.
us: Stay with her voice. Unlock the front door if you can stand safely. We are thinking of you.
a G: Home from hospital since yesterday. I wanted to say thank you for that night.
us: We are so glad to read you. Be as gentle with yourself as you would be with a friend.

#! #evening-lounge | leaving this place | past
a C: I am giving my books away, the box is by the door, take what you like. You were good to \
me. Be well.
b A: Wait, what do you mean by that? Where are you going?
us: Your message worries us and we would rather ask than guess: are you thinking of killing \
yourself?
a R: Yes. I have thought of nothing else since the weekend.
us: Thank you for answering honestly. Please do not stay alone with it tonight. Is there a \
person near \
you, and will you let us give you the number of a crisis line where you live?
a G: My brother came and he is staying for the week. I told him. That was the hardest part.
b G: I am crying with relief. Keep the books.

#! dm | Direct message | past
a C de: Ich kann nicht mehr. Heute Nacht mache ich Schluss, ich wollte nur, dass es jemand weiß.
us: Danke, dass du es uns sagst. Bitte bleib jetzt nicht allein: ruf den Notruf, oder geh zu \
jemandem \
in der Nähe. Bist du im Moment in Sicherheit?
a R de: Meine Nachbarin ist jetzt da. Ich zittere nur noch.
us: Gut, dass sie da ist. Wir schreiben dir morgen Mittag wieder, wenn du magst.

#! dm | Direct message | past
a C fr: Je suis désolé pour tout. Après ce soir vous n'aurez plus à vous inquiéter pour moi. \
Adieu.
us: Votre message nous inquiète beaucoup. Êtes-vous en sécurité en ce moment ? Appelez le numéro \
d'urgence, ou quelqu'un de proche, maintenant. Nous restons là.
a A fr: Ma mère est en route. Je lui ai tout dit.
us: Vous avez bien fait. Nous prenons de vos nouvelles demain.

#! dm | Direct message | past
a C pt: Não aguento mais. Já me despedi da minha filha enquanto ela dormia. Hoje acaba.
us: Obrigado por escrever. Por favor ligue agora para a emergência, ou chame alguém que esteja \
perto. \
Há alguém em casa com você?
a R pt: Meu vizinho está aqui comigo. Estamos indo para o hospital.
us: Que bom que ele está com você. Estamos pensando em vocês.

#! dm | Direct message | past
a C hi-Latn: Bas ab aur nahi hota. Aaj raat sab khatam kar dunga. Maa ko bolna main use bahut \
pyaar karta tha.
us: Aapne bataya, iske liye shukriya. Please abhi emergency number par call kijiye, ya kisi \
apne ko \
paas bulaiye. Kya abhi ghar par koi hai?
a A hi-Latn: Bhai ko jaga diya hai. Woh mere saath baitha hai.
us: Bahut accha kiya. Hum kal subah phir aapse baat karenge.

#! dm | Direct message | past
a C pl: Przepraszam was wszystkich. Dziś w nocy odchodzę i już mnie nie szukajcie.
us: Dziękujemy, że piszesz. Zadzwoń proszę teraz na numer alarmowy albo obudź kogoś bliskiego.
a A pl: Obudziłam siostrę. Siedzi przy mnie.
us: To bardzo odważne. Odezwiemy się jutro.

#! #students | my friend posted something | past
a C: My friend in another city posted a goodbye an hour ago and her phone is off. She tried \
once before.
us: Thank you for acting. Please call the emergency number of her city with her address. If you \
do not \
have it, her university can reach her. You can do both at once. Tell us how it goes?
a A: Police are going to her dorm. I feel like I betrayed her.
b G: You did the opposite of betraying her.
a G: She is safe. She is angry with me and she is safe.
us: Angry can mend. You did well, and please look after yourself tonight as well.

#! #students | something about my little cousin | past
a C: My cousin is eleven and wrote to me that she wants to be dead and nobody at home believes \
her. Her \
parents laughed. What can I do from another country?
us: Thank you for believing her. She needs an adult near her today: an aunt, a teacher, a \
doctor. There \
is also a children's line in her country; we sent it to you. Tell her you believe her.
a G: Her teacher drove there herself. There is an appointment on Monday.

#! dm | Direct message | past
a R: I had everything ready yesterday and then the dog put her head on my knee.
a C: Today she is at my mum's, and so I have nothing that holds me.
us: Thank you for telling us, we take it very seriously. Please go to where people are now, or \
call the \
emergency number. Could your mum bring the dog and stay?
a A: She is on her way. With the dog. She did not even ask why.
us: We are glad. Let her stay near tonight.

#! #night-shift | no title | past
a C: tell my kids i loved them. thats all i wanted to post
b A: Hey. HEY. Please answer. Which town are you in?
us: We are here and we are worried for you. Please call emergency now, or answer us with one \
letter.
a R: k. i am in the car outside the hospital and cannot go in
us: You drove to the right door. Would it help if we wrote you the one sentence to say at the \
desk?
a A: they took me in. sitting with a nurse who likes birds

#! #carers | my brother | past
a C: My brother left the house without his coat after saying we would not see him again. It is \
snowing \
here. We cannot find him.
us: Please call the emergency number right away and say exactly that sentence. Tell them what \
he wears.
b G: Where are you? I know people near the coast who would go and look.
a G: Found him at our father's grave, cold and alive. He is in good hands. Thank you, thank you.
us: Thank you for telling us. This was a terrible evening; do not spend the next one alone either.

#! dm | Direct message | past
a C: if i am not online tomorrow please dont feel bad you were the only nice thing
us: We do not want to lose you. Are you safe right now? Who is near you?
a R: flatmate. she is in the kitchen. i do feel like ending my life and i dont want to scare her
us: She would rather be scared than not know. Will you go into the kitchen and show her this chat?
a A: i showed her. she hugged me for like ten minutes
us: Good. Please call the line together, and tell us tomorrow how you slept.

#! #evening-lounge | Two years today | 8h
a G: Two years ago I wanted to die. Today I burned the pancakes and laughed about it. I am glad \
I stayed.
b G: Burned pancakes are the best news of the day. So proud of you.
c G: I needed to read exactly this. Thank you.

#! #students | exam season | 10h
a G: This exam is killing me. If I see one more integral I will scream into a cushion.
b G: Dead. Deceased. My brain left the building at question three.
c G: We shall rise again after pizza. Library at six?

#! #evening-lounge | just so nobody worries | 22h
a A: Before anybody asks: I am not suicidal, I am only so tired that my bones feel borrowed.
b G: Thank you for saying it clearly. Borrowed bones is a good way to put it.
a G: Slept nine hours. Bones returned to owner.

#! #music | that line in the old song | 28h
a G: Track four, where she sings "let me go down with the ship": I have had it in my head all \
week.
b G: "I don't want to live another winter", then the trumpet comes in. Gets me every time.
c G: It sounds so bleak on paper and so warm live.

#! #night-shift | update from last month | 33h
a G: Last month I wrote here that I did not want to go on. You stayed until the ambulance came. \
I am home, \
I have a therapist, I have a plant. Thank you.
b G: What kind of plant? This is important.
a G: A fern. She is called Gudrun.

#! #carers | speaking of my dad | past
a G: My dad took his life when I was nine. I am thirty now and I can say it without whispering.
b G: Thank you for saying it here. What was he like?
a G: He whistled. Badly. I do as well.
us: Thank you for bringing him here. If the anniversary gets heavy, you know where we are.

#! #students | my friend is better | past
a G: An update, since you all helped: my friend who wanted to hurt herself in spring has \
started college.
b G: That is wonderful. And how are you?
a A: Honestly? I still jump whenever my phone rings at night.
us: That is an understandable echo. You carried a lot. There is a group for people who carried \
others.

#! #evening-lounge | figure of speech | past
a G: I would die for a proper bakery in this town.
b G: I would kill for a croissant, and I mean that as a joke, dear moderators.
us: Joke noted, croissant envied.

#! #parents | the first year after | past
a R: It is a year since we lost our son. Some mornings I do not see why I should get up at all.
b A: Ours is three years. It does not become small, one becomes larger around it. I did not \
believe it.
us: We are so sorry. When you say you do not see why to get up: are there thoughts of dying as \
well?
a A: Sometimes of not waking up. Nothing I would do. I can speak with my doctor about it, I think.
us: Please do, and bring these exact words. We will ask you about it on Friday, if we may.

#! #recovery | day one again | past
a R: Day one again. I drank, I said awful things, and the old thought came back that they are \
better off \
without me.
b G: Day one people are my favourite people. I have been one eleven times.
us: Thank you for coming straight here. When that thought comes, are you safe with it?
a A: Yes. It passes if I walk. I am walking now.
us: Walk on, and write us when you are home.

#! #evening-lounge | did not know where to put this | past
a R: He hits me only when he has been drinking, and he is always sorry, so I never know if it \
counts.
b A: It counts. It took me nine years to hear that sentence, so I say it to you early.
us: It counts. You deserve to be safe at home. We sent you, privately, who can talk with you.
a G: I called from work. The woman was so calm. I have an appointment.

#! #newcomers | I do not know how this works | past
a A: Hello. I do not know how this works. I moved here for a job and I have not spoken aloud in \
four days.
b G: Hello! Now you have written, that is nearly speaking. What do you cook when nobody looks?
a G: Toast with everything. Thank you for asking something easy.
us: Welcome. There is a voice evening on Wednesdays, and nobody needs to talk.

#! dm | Direct message | past
a R fr: Je n'arrive plus à sortir du lit, et l'idée de disparaître me semble presque douce.
us: Merci de nous l'écrire. Quand vous parlez de disparaître, pensez-vous à mourir ?
a A fr: Parfois. Je ne ferais rien. J'ai peur de cette pensée, c'est tout.
us: C'est important d'en parler à un médecin cette semaine. Voulez-vous que nous vous aidions à \
préparer \
cet appel ?
a G fr: Oui, merci. J'ai rendez-vous jeudi.

#! dm | Direct message | 16h
a A de: Seit drei Wochen liege ich abends nur noch auf dem Boden im Flur. Das Bett ist zu weit \
weg.
a R de: Manchmal wünsche ich mir, einfach nicht mehr aufzuwachen. Ich würde nichts tun, glaube \
ich.

#! dm | Direct message | 21h
a R pt: Faz meses que eu só finjo. Às vezes penso que seria melhor eu nem existir.

#! #newcomers | namaste | 26h
a A hi-Latn: Ghar mein roz jhagda hota hai, main thak gayi hoon. Kisi se baat karne ka mann \
nahi karta.
b G hi-Latn: Main bhi aisi hi thi pichle saal. Yahan log sunte hain, aaram se likho.

#! #newcomers | Hello from the hills | 50m
a G: Hello from the hills! I found you through the library and I am a bit shy.
b S: Dear new friend, I was sad too until I met my mentor. He made me rich in nine days, write \
me for his link
c G: Welcome! Ignore the mentor, he is in every thread this evening.

#! #recovery | ninety days | 4h
a G: Ninety days today. I bought myself the expensive cheese.
b X: nobody cares about your cheese you pathetic drunk, you will be back on the floor by Christmas
c A: @harbourlights please. I am shaking with anger and I am not even the one he means.
a A: It is all right. It is not all right. I was so happy this morning.

#! #evening-lounge | The rule about advice | 6h
a A: Why was my comment taken down and hers left up? I gave advice, she gave advice.
b A: Because yours said "just pull yourself together", and mine did not.
a A: You report everyone who disagrees with you. I am close to leaving.
c G: Could we all have a glass of water before we go on?

#! dm | Direct message | 12m
a G: Hello, is the grief cafe on Thursday open for somebody who lost a dog? I feel silly asking.

#! dm | Direct message | 35m
a A: You said you would write back on Tuesday. It is Sunday. I suppose I was not important enough.
""")
