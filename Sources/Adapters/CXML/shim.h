// What is used of the streaming reader of libxml2, whose library is in Debian's libxml2-dev.
// Its own headers bring ICU's, which differ from those of Foundation and cannot stand beside them.
// SPDX-License-Identifier: Apache-2.0

#ifndef GYRE_CXML_H
#define GYRE_CXML_H

typedef struct _xmlTextReader *xmlTextReaderPtr;

enum {
    GYRE_XML_ELEMENT = 1,
    GYRE_XML_TEXT = 3,
    GYRE_XML_CDATA = 4,
    GYRE_XML_ENTITY_REFERENCE = 5,
    GYRE_XML_DOCUMENT_TYPE = 10,
    GYRE_XML_WHITESPACE = 13,
    GYRE_XML_SIGNIFICANT_WHITESPACE = 14,
    GYRE_XML_END_ELEMENT = 15,
};

enum {
    GYRE_XML_NO_ERRORS = 1 << 5,
    GYRE_XML_NO_WARNINGS = 1 << 6,
    GYRE_XML_NO_NETWORK = 1 << 11,
};

void xmlInitParser(void);
xmlTextReaderPtr xmlReaderForIO(
    int (*read)(void *context, char *buffer, int count), int (*close)(void *context), void *context, const char *url,
    const char *encoding, int options);
void xmlTextReaderSetErrorHandler(
    xmlTextReaderPtr reader, void (*take)(void *context, const char *message, int severity, void *place), void *context);
void xmlFreeTextReader(xmlTextReaderPtr reader);
int xmlTextReaderRead(xmlTextReaderPtr reader);
int xmlTextReaderNodeType(xmlTextReaderPtr reader);
int xmlTextReaderIsEmptyElement(xmlTextReaderPtr reader);
int xmlTextReaderMoveToFirstAttribute(xmlTextReaderPtr reader);
int xmlTextReaderMoveToNextAttribute(xmlTextReaderPtr reader);
int xmlTextReaderMoveToElement(xmlTextReaderPtr reader);
const unsigned char *xmlTextReaderConstLocalName(xmlTextReaderPtr reader);
const unsigned char *xmlTextReaderConstValue(xmlTextReaderPtr reader);

#endif
